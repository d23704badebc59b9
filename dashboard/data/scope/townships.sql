select township_code, successor_code, kind from marts.dim_township
