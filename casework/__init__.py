"""What a front shows: read models over the workspace, the canvas as data, and the investigator's own notes.

Fronts (`app_pages`) hold no SQL and no data logic; they call this room, and this room draws nothing.
"""
