"""The house: who may import whom, what a wheel holds, what the commands say, and that the README keeps its word."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

from cytogate.model.command.dispatch import main
from cytogate.model.command.extras import UNLOCKED
from tests.conftest import REPOSITORY
from tests.tutorials import BLOCK, HERE_DOCUMENT

ROOMS = ("model", "hls", "host", "sim", "fpga")
MAY_IMPORT = {
    "model": {"model"}, "hls": {"model", "hls"}, "host": {"model", "host"}, "sim": {"model", "hls", "sim"},
}  # fmt: skip


def python_files(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_run_in_one_direction(room: str) -> None:
    files = python_files(room)
    assert files
    for path in files:
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] not in ROOMS, f"{path}: import cytogate.{name}, not {name}"
            if parts[0] == "cytogate":
                assert parts[1] in MAY_IMPORT[room], f"{path} imports {name}"


FLOORS = (
    "errors", "design", "command", "contract", "interface", "retrieval", "features", "estimates", "simulation", "files",
    "sets", "data", "networks", "engines", "training", "evaluation", "pages", "experiments", "train", "codesign",
    "predict", "explain", "calibrate", "phase", "verbs",
)  # fmt: skip
"""Rooms and files of ``model/``, the ground first."""


def upward_imports(model: Path) -> list[str]:
    """Return what of ``model/`` imports from a floor above its own, or from one that is not known."""
    found = []
    for path in sorted(model.rglob("*.py")):
        own = path.relative_to(model).parts[0].removesuffix(".py")
        for name in imported(path):
            parts = name.split(".")
            if parts[:2] != ["cytogate", "model"] or len(parts) < 3:
                continue
            if parts[2] not in FLOORS or own not in FLOORS or FLOORS.index(parts[2]) > FLOORS.index(own):
                found.append(f"{path.relative_to(model)} imports {name}")
    return found


def test_no_floor_of_the_model_imports_one_above_it() -> None:
    model = REPOSITORY / "model"
    rooms = {
        path.name.removesuffix(".py") for path in model.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert rooms - {"__init__"} == set(FLOORS)
    assert upward_imports(model) == []


def test_an_import_from_a_floor_above_is_seen(tmp_path: Path) -> None:
    (tmp_path / "contract").mkdir()
    (tmp_path / "contract" / "law.py").write_text(
        "from cytogate.model.networks.exact import logits\n", encoding="utf-8"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "good.py").write_text("from cytogate.model.contract.law import contract\n", encoding="utf-8")
    assert upward_imports(tmp_path) == ["contract/law.py imports cytogate.model.networks.exact"]


def test_fpga_holds_no_python() -> None:
    assert not python_files("fpga")


def test_no_misspelt_name_is_a_net() -> None:
    """Each module is under ``default_nettype none``, which ends with it: sources of others follow in the same run."""
    files = sorted((REPOSITORY / "fpga" / "rtl").glob("*.sv"))
    assert len(files) > 60
    for path in files:
        text = path.read_text(encoding="ascii")
        assert re.search(r"^`default_nettype none\nmodule \w+", text, re.MULTILINE), path
        assert text.endswith("endmodule\n`default_nettype wire\n"), path
        # Vivado takes an input for a net unless it is told, as IEEE 1800-2017 23.2.2.3 says.
        ports = text[text.index("\nmodule ") : text.index(");\n", text.index("\nmodule "))]
        assert not re.search(r"^ *input +(?!wire\b)", ports, re.MULTILINE), f"{path}: input wire logic"


NO_BEGINNING = {"What", "Who", "Which", "Where", "When", "Why", "How", "That", "This"}
"""Of a docstring that says what a module is: a noun, or a verb."""


def test_module_docstrings_begin_with_a_verb_or_a_noun() -> None:
    read = 0
    for room in (*MAY_IMPORT, "docs", "tests"):
        for path in python_files(room):
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            if docstring is not None:
                read += 1
                assert docstring.split()[0] not in NO_BEGINNING, f"{path}: {docstring.splitlines()[0]}"
    assert read > 500


def test_inits_are_empty() -> None:
    for room in MAY_IMPORT:
        for path in (REPOSITORY / room).rglob("__init__.py"):
            assert not path.read_text(encoding="utf-8"), path


def test_the_contract_needs_no_keras() -> None:
    """What a board imports loads NumPy and nothing heavier."""
    code = (
        "import sys; import cytogate.model.contract.law, cytogate.model.retrieval.integer; "
        "heavy = {'keras', 'tensorflow', 'scipy', 'h5py', 'matplotlib'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_pins_are_exact_and_without_an_address() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+]+", line), line


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_has_hashes_of_what_the_extras_ask_for_at_the_pinned_versions() -> None:
    """Line by line a requirement with hashes and the extras that need it; ``make`` installs it by them."""
    pins = dict(line.split("==") for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines())
    pinned = {canonical(name): version for name, version in pins.items()}
    brought: dict[str, set[str]] = {}
    for line in (REPOSITORY / "lock.txt").read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"(\S+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+) # ([a-z ]+)", line)
        assert found, line[:80]
        assert pinned[canonical(found[1])] == found[2]
        for extra in found[4].split():
            brought.setdefault(extra, set()).add(canonical(found[1]))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {**project["optional-dependencies"], "board": ["numpy"], "build": ["setuptools"]}
    # bioio-nd2 and matplotlib want different releases of python-dateutil at the pinned versions.
    assert asked.keys() - brought.keys() == UNLOCKED
    for extra, names in brought.items():
        wanted = {canonical(re.match(r"[A-Za-z0-9_.-]+", each)[0]) for each in asked[extra]}  # type: ignore[index]
        assert wanted <= names, extra
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    used = set(re.findall(r"\.with-([a-z]+)", text)) | set(re.findall(r"\.with-%,([a-z ]+)\)", text)[0].split())
    assert used <= brought.keys()


def test_wheel_in_a_clean_environment(tmp_path: Path) -> None:
    """The wheel, made of the source archive as `make release` does it, is whole and imports with NumPy alone."""
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in tracked:
        if (REPOSITORY / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, source / name)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,), (_,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"cytogate/{name}"
        for name in tracked
        if name.split("/")[0] in ROOMS
        and Path(name).suffix in {".py", ".hpp", ".cpp", ".sv", ".v", ".tcl", ".h5", ".json", ".toml"}
    }
    assert len(wanted) > 30
    assert wanted <= held, sorted(wanted - held)

    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=300)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "-c", str(REPOSITORY / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True, timeout=600)
    code = (
        "import numpy as np\n"
        "from cytogate.model.design.folder import load_design\n"
        "from cytogate.model.retrieval import integer\n"
        "from cytogate.hls.sources import FPGA\n"
        "assert (FPGA / 'src' / 'retrieve_phase.hpp').exists()\n"
        "print(integer.network_inputs(np.full((1, 4, 305, 305), 99, np.uint8), load_design('qatom64')).shape)\n"
    )
    done = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 64, 64, 5)", done.stderr
    helped = subprocess.run([str(python.with_name("cytogate")), "--help"], capture_output=True, text=True, check=False)
    assert helped.returncode == 0, helped.stderr
    assert "csim" in helped.stdout


PAGES = sorted(
    [
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *REPOSITORY.glob("docs/*.md"),
        *REPOSITORY.glob("docs/*/*.md"),
    ]
)
"""What is written by hand; pages of experiments are not."""


def shown_commands(command: str) -> list[str]:
    """Return what follows ``command`` in the shell blocks of the pages, each once."""
    blocks = [block for path in PAGES for block in BLOCK.findall(path.read_text(encoding="utf-8"))]
    text = HERE_DOCUMENT.sub("", "\n".join(blocks)).replace("\\\n", " ")
    return sorted(set(re.findall(rf"^\s*(?:\S*/)?{command} ([a-z][^#\n]*)", text, re.MULTILINE)))


def test_pages_name_only_what_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {line.split()[0] for line in shown_commands("make")}
    assert {"csim", "test", "docs"} <= named <= targets
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", readme)) <= targets
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (REPOSITORY / link).exists(), link


def test_the_readme_is_one_screen_of_figures_that_other_tests_hold() -> None:
    """Each of its figures stands on the pages that are compared with records and simulations."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 45
    held = "".join(
        (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
        for name in ("results/index.md", "explained/latency.md")
    )
    figures = re.findall(
        r"\d[\d,]*\.?\d*(?: %| mrad| million)|[\d.]+ to [\d.]+|48,520", readme[readme.index("|---|") :]
    )
    assert len(figures) >= 8
    assert [figure for figure in figures if figure not in held] == []


@pytest.mark.parametrize("line", shown_commands("cytogate"))
def test_commands_of_pages_parse(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option that a page shows is known to its verb."""
    verb, *words = line.split()
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in told, line


def test_unknown_design_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["csim", "--design", "nothing"]) == 2
    assert re.fullmatch(
        r"cytogate csim: there is no design named nothing; built-in are [a-z0-9, ]+, and `cytogate new` makes a folder "
        r"for one of your own\n",
        capsys.readouterr().err,
    )


@pytest.mark.parametrize(("missing", "said"), [("g++", "apt install g++"), ("python3", "apt install python3")])
def test_make_says_which_tool_is_missing(missing: str, said: str, tmp_path: Path) -> None:
    """On a path without the tool, one sentence and exit code 2."""
    path = tmp_path / "bin"
    path.mkdir()
    for tool in ("bash", "sh", "make", "g++", "python3", "grep", "awk", "touch", "mkdir"):
        found = shutil.which(tool)
        if tool != missing and found:
            (path / tool).symlink_to(os.path.realpath(found) if tool != "python3" else sys.executable)
    for name in ("Makefile", "pyproject.toml", "lock.txt"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    done = subprocess.run(
        ["make", "csim"], cwd=tmp_path, env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{missing} was not found" in done.stdout
    assert said in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_a_test_of_nothing_is_not_passed_over(tmp_path: Path) -> None:
    """Cases that are looked for, as by a pattern of files, may be none; that is a failure and no skip."""
    (tmp_path / "test_none.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('case', [])\ndef test_case(case):\n    assert case\n", "ascii"
    )
    asked = [sys.executable, "-m", "pytest", "-c", str(REPOSITORY / "pyproject.toml"), str(tmp_path / "test_none.py")]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Empty parameter set in 'test_case'" in done.stdout


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Let make say what it would do, as a user starts it: not within the make that runs the tests."""
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", "-n", *words], cwd=REPOSITORY, env=own, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [("csim", "DESING=qatom64"), ("help", "Design=x", "ARGS=--cells 4"), ("PAGE=x",)])
def test_make_knows_its_variables(words: tuple[str, ...]) -> None:
    """A misspelt one must not be passed over: the default design would be built."""
    done = make(*words)
    (unknown,) = (word.partition("=")[0] for word in words if "=" in word and not word.startswith("ARGS="))
    assert done.returncode == 2
    assert re.search(rf"there is no variable {unknown}; did you mean one of these: DESIGN LEVEL", done.stderr)
    assert not done.stdout


OURS = {
    "DESIGN": "my-cells", "LEVEL": "dpi", "WAVES": "1", "BOARD": "zcu104", "NAME": "jurkat", "SCALE": "full",
    "PART": "proofs", "ARGS": "--cells 77", "JOBS": "5",
}  # fmt: skip
TARGETS = sorted(
    set(re.findall(r"^([a-z-]+):.*##", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
)


@pytest.mark.parametrize("target", TARGETS)
def test_a_variable_is_used_by_a_target_or_refused(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of ours with each target; one of the environment is neither, whatever it holds, but for the design."""
    plain = make(target)
    assert plain.returncode == 0
    for name, value in OURS.items():
        given = make(target, f"{name}={value}")
        if given.returncode:
            assert given.returncode == 2
            assert re.search(
                rf"make {target} takes no {name}; it takes [A-Z ]*(none of )?[A-Z ]+\.  Stop", given.stderr
            )
            assert not given.stdout
        else:
            assert given.stdout != plain.stdout, f"make {target} {name}={value}"
        if name != "DESIGN":
            monkeypatch.setenv(name, value)
    assert make(target).stdout == plain.stdout


def test_a_design_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESIGN", "my-cells")
    assert make("csim").stdout == make("csim", "DESIGN=my-cells").stdout


def test_each_variable_is_taken_and_some_target_takes_none() -> None:
    """Nothing is refused everywhere, and of several targets each has to take what is given."""
    assert len(TARGETS) > 20
    for name, value in OURS.items():
        taken = [target for target in TARGETS if make(target, f"{name}={value}").returncode == 0]
        assert 0 < len(taken) < len(TARGETS), name
        assert make(*taken, f"{name}={value}").returncode == 0
        assert make(taken[0], "clean", f"{name}={value}").returncode == 2


def test_clean_removes_what_can_be_built_again_and_tells_what_it_keeps(tmp_path: Path) -> None:
    """Each folder that a verb or a target writes to is one or the other."""
    kept = {
        "bitstream",
        "codesign",
        "emulated",
        "experiments",
        "mutants",
        "mine",
        "phase",
        "predict",
        "stream",
        "train",
    }
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    built = set(re.search(r"^BUILT := (.*)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    rooms = [path for room in ("model", "sim", "hls", "host", "docs") for path in (REPOSITORY / room).rglob("*.py")]
    written = {
        name
        for path in (*rooms, REPOSITORY / "Makefile")
        for name in re.findall(r"\bout/([a-z]+)\b", path.read_text(encoding="utf-8"))
    }
    assert {"csim", "stream", "train"} <= written
    assert written <= built | kept
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in (*built, *kept):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "file").touch()
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    for _ in range(2):
        done = subprocess.run(["make", "clean"], cwd=tmp_path, env=own, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [f"kept: out/{name}" for name in sorted(kept)]
        assert {path.parent.name for path in (tmp_path / "out").glob("*/file")} == kept
    shutil.rmtree(tmp_path / "out")
    assert subprocess.run(["make", "clean"], cwd=tmp_path, env=own, capture_output=True, text=True).stdout == ""


PIP = """#!/bin/sh
echo begin >>log
sleep 0.1
echo end >>log
"""


def test_packages_are_installed_one_at_a_time(tmp_path: Path) -> None:
    """As many as make starts at once, and by two makes: they would write the same packages into one environment."""
    for name in ("Makefile", "pyproject.toml", "lock.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(PIP, encoding="ascii")
    python.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    makes = [
        subprocess.Popen(["make", "-j4", f".venv/.with-{one}", f".venv/.with-{other}"], cwd=tmp_path, env=own)
        for one, other in (("design", "rtl"), ("stream", "cluster"))
    ]
    assert [each.wait() for each in makes] == [0, 0]
    assert (tmp_path / "log").read_text(encoding="ascii").split() == ["begin", "end"] * 4


def test_make_hands_a_folder_and_a_board_on() -> None:
    touched = ("-o", ".venv/.ready")  # an install is not what is asked here
    assert "csim --design 'my cells' --cells 4" in make(*touched, "csim", "DESIGN=my cells", "ARGS=--cells 4").stdout
    assert "--board" not in make(*touched, "bitstream").stdout
    assert "bitstream --design 'qatom128' --board 'zcu104'" in make(*touched, "bitstream", "BOARD=zcu104").stdout
