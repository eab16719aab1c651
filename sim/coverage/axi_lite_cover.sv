// Accesses in every order, answers that wait, and a reset between an access and its answer.
`default_nettype none
module axi_lite_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic s_axil_awvalid,
    input wire logic s_axil_wvalid,
    input wire logic s_axil_bvalid,
    input wire logic s_axil_bready,
    input wire logic s_axil_arvalid,
    input wire logic s_axil_arready,
    input wire logic s_axil_rvalid,
    input wire logic s_axil_rready,
    input wire logic write
);
  address_comes_before_data : cover property (@(posedge clk) !rst && s_axil_awvalid && !s_axil_wvalid);
  data_come_before_the_address : cover property (@(posedge clk) !rst && !s_axil_awvalid && s_axil_wvalid);
  write_is_answered_at_once : cover property (@(posedge clk) !rst && s_axil_bvalid && s_axil_bready);
  answer_of_a_write_waits : cover property (@(posedge clk) !rst && s_axil_bvalid && !s_axil_bready);
  next_write_waits_for_the_answer : cover property (@(posedge clk) !rst && s_axil_awvalid && s_axil_wvalid && s_axil_bvalid);
  read_is_answered_at_once : cover property (@(posedge clk) !rst && s_axil_rvalid && s_axil_rready);
  answer_of_a_read_waits : cover property (@(posedge clk) !rst && s_axil_rvalid && !s_axil_rready);
  next_read_waits_for_the_answer : cover property (@(posedge clk) !rst && s_axil_arvalid && !s_axil_arready);
  write_and_read_at_once : cover property (@(posedge clk) !rst && write && s_axil_arvalid && s_axil_arready);
endmodule
bind axi_lite axi_lite_cover points (.*);
`default_nettype wire
