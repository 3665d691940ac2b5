"""Code that is used from outside alone, and by whom; everything else that nothing calls is dead."""
