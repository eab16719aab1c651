// Cells of a map of path delay: runs of marked pixels, joined to regions row by row, their centers, flags and squares. The
// law is stated in model/contract/off_axis.py.
//
// One scan: each region's sums grow with its runs, and two regions that meet become one. No map of labels is needed, and
// the table of regions is as long as the contract says.
#pragma once

#include "hls_stream.h"
#include "rounding.hpp"

namespace cytogate {

using delay_t = ap_int<kOpdBits>;
using pixel_t = ap_uint<kPixelBits>;
using place_t = ap_uint<10>;
using region_t = ap_uint<10>;

constexpr int kNoRegion = kMostBeginnings;
static_assert(kMostBeginnings < 1024 && kMapSize <= 512, "numbers of regions and places have ten bits");

// How many cells of a field leave, and whether none does because it is crowded.
struct Found {
  ap_uint<7> cells;
  bool crowded;
};

struct Cell {
  ap_uint<kCenterBits> row, column;
  ap_uint<kAreaBits> area;
  ap_uint<2> flags;
};

// The rows and columns of the map that are believed, from the first to behind the last; the pixels of the smallest cell.
struct CellSetting {
  int top, bottom, left, right;
  int least_area;
};

// Marked pixels side by side, from the first to behind the last, with the sums of their columns and of these squared.
struct Run {
  place_t first, behind;
  ap_uint<18> sum;
  ap_uint<27> squares;
  bool is_run, ends_row;
};

struct Region {
  region_t joined;
  place_t top, bottom, left, right;
  ap_uint<kAreaBits> area;
  ap_uint<27> y, x;
  ap_uint<36> yy, xx, xy;
};

// Find the runs of each row; the last word of a row ends it, with or without a run. Keep each pixel's code.
inline void mark_runs(hls::stream<delay_t>& delays, hls::stream<Run>& runs, pixel_t codes[kMapWords]) {
  Run run;
  run.sum = run.squares = 0;
  bool is_open = false;
MarkRuns:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    const int column = i % kMapSize;
    const delay_t delay = delays.read();
    const ap_int<kOpdBits + 1> raised = shift_right(ap_int<kOpdBits + 1>(delay + kPixelOffset), kPixelShift);
    codes[i] = raised < 0 ? 0 : raised > (1 << kPixelBits) - 1 ? (1 << kPixelBits) - 1 : int(raised);

    const bool is_marked = delay >= kThreshold, is_last = column == kMapSize - 1;
    if (is_marked) {
      if (!is_open) {
        run.first = column;
        run.sum = run.squares = 0;
      }
      run.sum += column;
      run.squares += column * column;
    }
    const bool closes = is_marked ? is_last : is_open;
    if (closes || is_last) {
      run.behind = is_marked ? column + 1 : column;
      run.is_run = closes;
      run.ends_row = is_last;
      runs.write(run);
    }
    is_open = is_marked && !is_last;
  }
}

// The region that a region has become by joining.
inline region_t root_of(const Region regions[kMostBeginnings], region_t region) {
Root:
  while (regions[region].joined != region) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 2
    region = regions[region].joined;
  }
  return region;
}

// Add the sums of region `from` to those of region `to`, which began earlier.
inline void join(Region regions[kMostBeginnings], region_t to, region_t from) {
  Region joined = regions[to];
  Region gone = regions[from];
  joined.top = gone.top < joined.top ? gone.top : joined.top;
  joined.bottom = gone.bottom > joined.bottom ? gone.bottom : joined.bottom;
  joined.left = gone.left < joined.left ? gone.left : joined.left;
  joined.right = gone.right > joined.right ? gone.right : joined.right;
  joined.area += gone.area;
  joined.y += gone.y;
  joined.x += gone.x;
  joined.yy += gone.yy;
  joined.xx += gone.xx;
  joined.xy += gone.xy;
  regions[to] = joined;
  gone.joined = to;
  regions[from] = gone;
}

// A region of one run.
inline Region region_of(const Run& run, int row) {
  Region region;
  region.top = row;
  region.bottom = row + 1;
  region.left = run.first;
  region.right = run.behind;
  region.area = run.behind - run.first;
  region.y = ap_uint<27>(region.area) * row;
  region.x = run.sum;
  region.yy = ap_uint<36>(region.y) * row;
  region.xx = run.squares;
  region.xy = ap_uint<36>(run.sum) * row;
  return region;
}

// Join runs to regions. Returns how many began; more than the table holds is told by kMostBeginnings + 1.
inline int join_runs(hls::stream<Run>& runs, Region regions[kMostBeginnings + 1]) {
  // Of the row above and of the row itself, in turns.
  constexpr int kMostRuns = kMapSize / 2 + 1;
  place_t first[2][kMostRuns], behind[2][kMostRuns];
  region_t owner[2][kMostRuns];
  int begun = 0, above = 0;
  bool is_full = false;
Rows:
  for (int row = 0; row < kMapSize; ++row) {
    const int own = row % 2, other = 1 - own;
    int count = 0, place = 0;
    bool ends_row = false;
  Runs:
    while (!ends_row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
      const Run run = runs.read();
      ends_row = run.ends_row;
      if (!run.is_run || is_full) continue;
      region_t region = kNoRegion;
      // A run that ends before this one begins touches no later one either; corners touch.
    Above:
      while (place < above && first[other][place] <= run.behind) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 2
        if (behind[other][place] >= run.first) {
          const region_t root = root_of(regions, owner[other][place]);
          if (region == kNoRegion) {
            region = root;
          } else if (root != region) {
            const region_t earlier = root < region ? root : region, later = root < region ? region : root;
            join(regions, earlier, later);
            region = earlier;
          }
        }
        // One that reaches beyond this run may touch the next one, too.
        if (behind[other][place] > run.behind) break;
        ++place;
      }
      Region alone = region_of(run, row);
      if (region == kNoRegion) {
        if (begun == kMostBeginnings) {
          is_full = true;
          continue;
        }
        region = begun;
        alone.joined = region;
        regions[region] = alone;
        ++begun;
      } else {
        // The table's last place stands for a run on its way to its region.
        alone.joined = kNoRegion;
        regions[kMostBeginnings] = alone;
        join(regions, region, kNoRegion);
      }
      first[own][count] = run.first;
      behind[own][count] = run.behind;
      owner[own][count] = region;
      ++count;
    }
    above = count;
  }
  return is_full ? kMostBeginnings + 1 : begun;
}

// Whether a region's area is small for its second moments.
inline bool is_several(const Region& region) {
  using wide = ap_int<128>;
  const wide n = region.area, y = region.y, x = region.x;
  const wide across_y = 12 * (n * wide(region.yy) - y * y) + n * n;
  const wide across_x = 12 * (n * wide(region.xx) - x * x) + n * n;
  const wide mixed = 12 * (n * wide(region.xy) - y * x);
  const wide third = n * n * n;
  return ((third * third) << kRoundnessBits) < wide(kRoundness) * (across_y * across_x - mixed * mixed);
}

// The centroid along one axis, rounded half up.
inline ap_uint<kCenterBits> centroid_of(ap_uint<27> sum, ap_uint<kAreaBits> area) {
  const ap_uint<48> twice = (ap_uint<48>(sum) << (kCenterFraction + 1)) + ap_uint<48>(area);
  return twice / (ap_uint<48>(area) << 1);
}

// Regions that are large enough, in the order in which they began.
inline void find_cells(hls::stream<Run>& runs, CellSetting setting, hls::stream<Found>& found, hls::stream<Cell>& cells) {
  Region regions[kMostBeginnings + 1];
  region_t large[kMostCells];
  const int begun = join_runs(runs, regions);
  bool is_crowded = begun > kMostBeginnings;
  int count = 0;
Large:
  for (int i = 0; i < begun && !is_crowded; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 64
    if (regions[i].joined != i || int(regions[i].area) < setting.least_area) continue;
    if (count == kMostCells) {
      is_crowded = true;
    } else {
      large[count] = i;
      ++count;
    }
  }
  if (is_crowded) count = 0;
  Found told;
  told.cells = count;
  told.crowded = is_crowded;
  found.write(told);
Emit:
  for (int i = 0; i < count; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 64
    const Region region = regions[large[i]];
    const bool is_clipped = int(region.top) <= setting.top || int(region.bottom) >= setting.bottom ||
                            int(region.left) <= setting.left || int(region.right) >= setting.right;
    Cell cell;
    cell.row = centroid_of(region.y, region.area);
    cell.column = centroid_of(region.x, region.area);
    cell.area = region.area;
    cell.flags = (is_clipped ? kClipped : 0) | (is_several(region) ? kSeveral : 0);
    cells.write(cell);
  }
}

// Cut the square about each cell's center.
template <class Tap>
void cut_squares(const pixel_t codes[kMapWords], hls::stream<Found>& found, hls::stream<Cell>& cells,
                 hls::stream<Found>& found_out, hls::stream<Cell>& cells_out, hls::stream<pixel_t>& squares) {
  constexpr int kHalf = 1 << (kCenterFraction - 1);
  const Found told = found.read();
  Tap::found(told);
  found_out.write(told);
Cells:
  for (int number = 0; number < int(told.cells); ++number) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 64
    const Cell cell = cells.read();
    Tap::cell(cell);
    cells_out.write(cell);
    const int top = ((int(cell.row) + kHalf) >> kCenterFraction) - kWindowRows / 2;
    const int left = ((int(cell.column) + kHalf) >> kCenterFraction) - kWindowColumns / 2;
  Square:
    for (int i = 0; i < kWindowRows * kWindowColumns; ++i) {
#pragma HLS PIPELINE II = 1
      const int row = top + i / kWindowColumns, column = left + i % kWindowColumns;
      const bool is_inside = row >= 0 && row < kMapSize && column >= 0 && column < kMapSize;
      // Beyond the map there is no path delay.
      pixel_t code = kPixelOffset >> kPixelShift;
      if (is_inside) code = codes[row * kMapSize + column];
      Tap::pixel(code);
      squares.write(code);
    }
  }
}

}  // namespace cytogate
