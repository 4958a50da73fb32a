"""Surveys: waves, who is asked and how they answer, and what the answers say of decline, need and change."""
