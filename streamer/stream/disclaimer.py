"""What the stream's messages are no proof of: one wording for the terminal, the page and the reports."""

DISCLAIMER = (
    "What it shows are movements of a face. They are no proof of a feeling, and no ground for a decision about a person. "
    "Inferring emotions at work or in education is prohibited in the EU (AI Act, Art. 5); elsewhere, tell people (Art. 50)."
)
