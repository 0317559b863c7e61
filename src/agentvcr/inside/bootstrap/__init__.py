"""How AgentVCR gets into a recorded interpreter. Owns the start; knows no request."""
