"""What a spec means, as data: types, expressions, code, programs and how a state is laid out."""
