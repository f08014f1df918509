"""Role-play: who calls about what, what each role is asked, and scripts that play without a model."""
