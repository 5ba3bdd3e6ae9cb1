"""A second city, made by other ideas than the simulator's: what detectors must also hold on."""
