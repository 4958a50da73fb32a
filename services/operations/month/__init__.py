"""A month of aid in the demo province, told by the people of its offices: what `serumpun demo` shows."""
