"""Searches whose trials begin on smaller or fewer images: do those rank, and what do they save?"""
