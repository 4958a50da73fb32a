"""Orders to small industry that it makes goods for the programmes: whom to ask, what came of it, what is due."""
