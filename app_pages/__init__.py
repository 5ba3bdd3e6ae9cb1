"""The pages of the app. They show what `ringtrace.casework` gives and send back what is clicked; no SQL, no data logic.

Each page is a file that Streamlit runs; `shell` gives it the open workspace and the language.
"""
