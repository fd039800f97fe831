"""The pages, a file a page. Each view fetches through a door, asks a selector or a verb, and renders."""
