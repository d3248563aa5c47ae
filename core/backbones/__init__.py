"""The pretrained networks: what there is (as data) and where their weights are. Free of keras and tensorflow."""
