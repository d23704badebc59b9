"""Plotly figures as plain dictionaries: pure functions of data, texts and theme. No database, no Dash."""
