"""What is known of features: which row a join takes and why, statistics, drift, who uses them."""
