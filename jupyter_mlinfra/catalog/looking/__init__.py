"""What a look at a dataset tells: sketches of its files, and the profile made of them."""
