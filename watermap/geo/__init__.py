"""Where pixels lie and how large they are; no file is opened here."""
