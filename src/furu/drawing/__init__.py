"""Graphs of configs as pictures and text: a model, what to show of it, where it goes, and how it looks. Knows no store.

explore -> fold -> nearest      what to show around one node (`neighbourhood`)
lay_out -> render_svg           a picture; render_tree and render_dot do without
"""
