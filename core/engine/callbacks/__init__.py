"""What happens beside the steps of a training: one concern a module, their order in `order`."""
