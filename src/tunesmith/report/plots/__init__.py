"""Plots as inline SVG, drawn by small functions of our own.

A plotting library would add tens of megabytes to the core, draw pictures that know neither the page's dark colours nor
its fonts, and hide the text of the axes from a screen reader. What a report needs (a scale, ticks, lines, dots,
whiskers) is a few hundred lines; the colours are CSS variables, so one picture serves light, dark and paper.
"""
