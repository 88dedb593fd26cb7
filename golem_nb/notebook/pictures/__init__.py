"""Pictures of oplogs: whole in a stored notebook, and alive where somebody looks on."""
