// The gate's settings, and what it counts, beside the kernel's registers. Offsets come from the register map.
`default_nettype none
module gate_registers #(
    parameter int CLASSES = 5,
    parameter int CLASS_BITS = 3,
    parameter int MARGIN_BITS = 21,
    parameter int DELAY_BITS = contract_pkg::DELAY_BITS,
    parameter int HOLD_BITS = contract_pkg::HOLD_BITS,
    parameter int FLAGS = contract_pkg::EVENT_FLAGS
) (
    input wire logic                   clk,
    input wire logic                   rst,
    // Accesses, as at the pins.
    input wire logic                   write,
    input wire logic [            7:0] write_address,
    input wire logic [           31:0] write_data,
    input wire logic [            3:0] write_strobes,
    input wire logic [            7:0] read_address,
    output     logic [           31:0] read_data,
    // Settings.
    input wire logic [ CLASS_BITS-1:0] asked_class,
    output     logic                   wanted,
    output     logic [           31:0] least_margin,
    output     logic [ DELAY_BITS-1:0] delay,
    output     logic [  HOLD_BITS-1:0] hold,
    // What is counted.
    input wire logic                   event_valid,
    input wire logic [      FLAGS-1:0] event_flags,
    input wire logic [            3:0] event_remark,
    input wire logic [ CLASS_BITS-1:0] event_class,
    input wire logic [MARGIN_BITS-1:0] event_margin,
    input wire logic [           31:0] event_first,
    input wire logic [           31:0] event_clock,
    input wire logic                   began,
    input wire logic [           31:0] age
);
  localparam int MARGINS = contract_pkg::LEAST_MARGIN_OFFSET;
  localparam int ORDER = contract_pkg::ORDER_FRAMES;
  localparam int COUNT_BITS = $clog2(ORDER + 1);

  logic [CLASSES-1:0] classes;
  logic [31:0] least[CLASSES];
  logic whole;
  assign whole = write && &write_strobes;
  assign wanted = classes[asked_class];
  assign least_margin = least[asked_class];

  always_ff @(posedge clk) begin
    if (rst) begin
      classes <= '0;
      delay   <= '0;
      hold    <= '0;
      for (int i = 0; i < CLASSES; ++i) least[i] <= '0;
    end else if (whole) begin
      if (write_address == 8'(contract_pkg::GATE_CLASSES_OFFSET)) classes <= write_data[CLASSES-1:0];
      if (write_address == 8'(contract_pkg::TRIGGER_DELAY_OFFSET)) delay <= write_data[DELAY_BITS-1:0];
      if (write_address == 8'(contract_pkg::TRIGGER_HOLD_OFFSET)) hold <= write_data[HOLD_BITS-1:0];
      for (int i = 0; i < CLASSES; ++i) if (write_address == 8'(MARGINS + 4 * i)) least[i] <= write_data;
    end
  end

  logic [31:0] events, triggers, latest, latest_margin, latest_clock;
  logic [31:0] trigger_cycles, trigger_most, class_cycles, class_most, interval, interval_most, left;
  logic some_left, intact;
  logic [31:0] from_first, from_left;
  assign intact     = event_valid && event_flags[1:0] == 0;
  assign from_first = event_clock - event_first;
  assign from_left  = some_left ? event_clock - left : '0;

  function automatic logic clears(input int offset);
    clears = write && write_address == 8'(offset);
  endfunction
  always_ff @(posedge clk) begin
    if (rst) begin
      events         <= '0;
      triggers       <= '0;
      latest         <= '0;
      latest_margin  <= '0;
      latest_clock   <= '0;
      trigger_cycles <= '0;
      trigger_most   <= '0;
      class_cycles   <= '0;
      class_most     <= '0;
      interval       <= '0;
      interval_most  <= '0;
      some_left      <= 1'b0;
    end else begin
      if (event_valid) begin
        events        <= events + 1'b1;
        latest        <= {3'd0, event_remark, 9'(event_flags), 16'(event_class)};
        latest_margin <= 32'(event_margin);
        latest_clock  <= event_clock;
      end
      if (intact) begin
        class_cycles <= from_first;
        interval     <= from_left;
        left         <= event_clock;
        some_left    <= 1'b1;
      end
      if (began) begin
        triggers       <= triggers + 1'b1;
        trigger_cycles <= age;
      end
      if (clears(contract_pkg::TRIGGER_CYCLES_MOST_OFFSET)) trigger_most <= '0;
      else if (began && age > trigger_most) trigger_most <= age;
      if (clears(contract_pkg::CLASS_CYCLES_MOST_OFFSET)) class_most <= '0;
      else if (intact && from_first > class_most) class_most <= from_first;
      if (clears(contract_pkg::CLASS_INTERVAL_MOST_OFFSET)) interval_most <= '0;
      else if (intact && from_left > interval_most) interval_most <= from_left;
    end
  end

  // The latest intact frames: those with a curl, those of a negative phase, and how many there are.
  logic [ORDER-1:0] with_curl, of_negative;
  logic [COUNT_BITS-1:0] counted, count_curl, count_negative;
  always_ff @(posedge clk) begin
    if (rst) begin
      with_curl   <= '0;
      of_negative <= '0;
      counted     <= '0;
    end else if (intact) begin
      with_curl   <= {with_curl[ORDER-2:0], event_remark[2]};
      of_negative <= {of_negative[ORDER-2:0], event_remark[3]};
      if (32'(counted) < ORDER) counted <= counted + 1'b1;
    end
  end
  always_comb begin
    count_curl     = '0;
    count_negative = '0;
    for (int i = 0; i < ORDER; ++i) begin
      count_curl     = count_curl + COUNT_BITS'(with_curl[i]);
      count_negative = count_negative + COUNT_BITS'(of_negative[i]);
    end
  end

  always_comb begin
    case (read_address)
      8'(contract_pkg::GATE_IDENTITY_OFFSET): read_data = contract_pkg::GATE_IDENTITY;
      8'(contract_pkg::GATE_CLASSES_OFFSET): read_data = 32'(classes);
      8'(contract_pkg::TRIGGER_DELAY_OFFSET): read_data = 32'(delay);
      8'(contract_pkg::TRIGGER_HOLD_OFFSET): read_data = 32'(hold);
      8'(contract_pkg::EVENTS_OFFSET): read_data = events;
      8'(contract_pkg::TRIGGERS_OFFSET): read_data = triggers;
      8'(contract_pkg::EVENT_OFFSET): read_data = latest;
      8'(contract_pkg::EVENT_MARGIN_OFFSET): read_data = latest_margin;
      8'(contract_pkg::EVENT_CLOCK_OFFSET): read_data = latest_clock;
      8'(contract_pkg::TRIGGER_CYCLES_OFFSET): read_data = trigger_cycles;
      8'(contract_pkg::TRIGGER_CYCLES_MOST_OFFSET): read_data = trigger_most;
      8'(contract_pkg::CLASS_CYCLES_OFFSET): read_data = class_cycles;
      8'(contract_pkg::CLASS_CYCLES_MOST_OFFSET): read_data = class_most;
      8'(contract_pkg::CLASS_INTERVAL_OFFSET): read_data = interval;
      8'(contract_pkg::CLASS_INTERVAL_MOST_OFFSET): read_data = interval_most;
      8'(contract_pkg::ORDER_OFFSET): read_data = {8'd0, 8'(counted), 8'(count_negative), 8'(count_curl)};
      default: begin
        read_data = '0;
        for (int i = 0; i < CLASSES; ++i) if (read_address == 8'(MARGINS + 4 * i)) read_data = least[i];
      end
    endcase
  end
endmodule
`default_nettype wire
