"""What a search may try: space files, parameters, stages."""
