"""What members and the operator are told of trades that were made: statements, day reports, annulment.

Everything is added up from trade rows (`rows.TRADE_ROW`), which say for each trade both accounts and both fees.
"""
