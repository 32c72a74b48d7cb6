"""How good maps are against labels: counts, scores, and what they were counted on."""
