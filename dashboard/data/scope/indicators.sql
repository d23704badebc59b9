select indicator_code from marts.dim_indicator
