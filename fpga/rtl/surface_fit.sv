// Least-squares surface c1 + cs s + ct t + css s^2 + ctt t^2 + cst s t of a frame's border from its moments.
//
// One multiplier does one product after the other: each coefficient is a moment times a gain, mantissa 2^-shift,
// rounded convergently. Some 200 clocks for both axes; coefficients stand until the next `done`.
`default_nettype none
module surface_fit #(
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 4 * contract_pkg::SIZE_LOG2,
    parameter int OUT_BITS = contract_pkg::COEFFICIENT_BITS
) (
    input wire logic                   clk,
    input wire logic                   rst,
    input wire logic                   start,
    input wire logic [ 12*IN_BITS-1:0] moments,      // per axis: 1, u, v, u^2, v^2, u v
    output     logic                   done,
    output     logic [12*OUT_BITS-1:0] coefficients  // per axis: 1, s, t, s^2, t^2, s t
);
  localparam int VALUE_BITS = IN_BITS + 8;
  localparam int FACTOR_BITS = 24;
  localparam int PRODUCT_BITS = VALUE_BITS + FACTOR_BITS;
  localparam int LATENCY = 8;  // operands 1, product 3, rounding 4

  typedef enum logic [2:0] {
    KAPPA_MEAN,  // exact, for the bowl's moment
    BOWL,
    SADDLE,
    AT_KAPPA,
    MEAN,
    S,
    T,
    TWIST
  } step_t;

  logic running, axis;
  logic [2:0] step;
  logic [3:0] clocks;
  logic stored;
  assign stored = running && clocks == LATENCY;
  always_ff @(posedge clk) begin
    done <= !rst && stored && step == TWIST && axis;
    if (rst) begin
      running <= 1'b0;
    end else if (start) begin
      running <= 1'b1;
      axis    <= 1'b0;
      step    <= KAPPA_MEAN;
      clocks  <= '0;
    end else if (stored) begin
      clocks <= '0;
      step   <= step + 1'b1;
      if (step == TWIST) begin
        axis    <= 1'b1;
        running <= !axis;
      end
    end else begin
      clocks <= clocks + 1'b1;
    end
  end

  // Moments of the axis at work.
  logic [12*IN_BITS-1:0] kept;
  always_ff @(posedge clk) begin
    if (start) kept <= moments;
    else if (stored && step == TWIST) kept <= kept >> (6 * IN_BITS);
  end
  logic signed [IN_BITS-1:0] one, u, v, uu, vv, uv;
  assign {uv, vv, uu, v, u, one} = kept[6*IN_BITS-1:0];

  logic signed [VALUE_BITS-1:0] value, next_value, kappa_mean, rounded;
  logic signed [OUT_BITS-1:0] bowl, saddle, at_kappa, mean, s, t;
  logic signed [FACTOR_BITS-1:0] factor, next_factor;
  logic [5:0] shift, next_shift;
  always_comb begin
    next_value  = VALUE_BITS'(one);
    next_factor = FACTOR_BITS'(contract_pkg::KAPPA16THS);
    next_shift  = '0;
    case (step)
      BOWL: begin
        next_value  = ((VALUE_BITS'(uu) + VALUE_BITS'(vv)) <<< 4) - kappa_mean;
        next_factor = FACTOR_BITS'(contract_pkg::BOWL_GAIN);
        next_shift  = 6'(contract_pkg::BOWL_SHIFT);
      end
      SADDLE: begin
        next_value  = VALUE_BITS'(uu) - VALUE_BITS'(vv);
        next_factor = FACTOR_BITS'(contract_pkg::SADDLE_GAIN);
        next_shift  = 6'(contract_pkg::SADDLE_SHIFT);
      end
      AT_KAPPA: begin
        next_value  = VALUE_BITS'(bowl);
        next_factor = FACTOR_BITS'(contract_pkg::KAPPA);
        next_shift  = 6'(contract_pkg::TWIDDLE_FRACTION);
      end
      MEAN: begin
        next_factor = FACTOR_BITS'(contract_pkg::MEAN_GAIN);
        next_shift  = 6'(contract_pkg::MEAN_SHIFT);
      end
      S: begin
        next_value  = VALUE_BITS'(u);
        next_factor = FACTOR_BITS'(contract_pkg::LINEAR_GAIN);
        next_shift  = 6'(contract_pkg::LINEAR_SHIFT);
      end
      T: begin
        next_value  = VALUE_BITS'(v);
        next_factor = FACTOR_BITS'(contract_pkg::LINEAR_GAIN);
        next_shift  = 6'(contract_pkg::LINEAR_SHIFT);
      end
      TWIST: begin
        next_value  = VALUE_BITS'(uv);
        next_factor = FACTOR_BITS'(contract_pkg::TWIST_GAIN);
        next_shift  = 6'(contract_pkg::TWIST_SHIFT);
      end
      default: ;
    endcase
  end

  // Three registers behind the multiplier, for synthesis to move into it.
  logic signed [PRODUCT_BITS-1:0] product, product_2, product_3;
  always_ff @(posedge clk) begin
    value     <= next_value;
    factor    <= next_factor;
    shift     <= next_shift;
    product   <= value * factor;
    product_2 <= product;
    product_3 <= product_2;
  end
  shift_round #(.IN_BITS(PRODUCT_BITS), .OUT_BITS(VALUE_BITS), .SATURATE(0)) round (
      .clk, .value(product_3), .shift, .rounded
  );

  always_ff @(posedge clk) begin
    if (stored) begin
      case (step)
        KAPPA_MEAN: kappa_mean <= rounded;
        BOWL: bowl <= OUT_BITS'(rounded);
        SADDLE: saddle <= OUT_BITS'(rounded);
        AT_KAPPA: at_kappa <= OUT_BITS'(rounded);
        MEAN: mean <= OUT_BITS'(rounded) - at_kappa;
        S: s <= OUT_BITS'(rounded);
        T: t <= OUT_BITS'(rounded);
        default:
        coefficients <= {
          OUT_BITS'(rounded), bowl - saddle, bowl + saddle, t, s, mean, coefficients[12*OUT_BITS-1:6*OUT_BITS]
        };
      endcase
    end
  end
endmodule
`default_nettype wire
