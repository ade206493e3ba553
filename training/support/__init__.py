"""What trains, calibrates and exports the support model: does a text say what a claim says?"""
