"""A controller by pymodbus: a tank's level, and its valve."""

import json
from pathlib import Path

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

state = json.loads(Path("/srv/plant.json").read_text())
level, valve = state["level"], state["valve"]
begun = int(Path("/srv/first").read_text())
device = ModbusSlaveContext(
    hr=ModbusSequentialDataBlock(0, [level, begun]),
    ir=ModbusSequentialDataBlock(0, [level, 0]),
    co=ModbusSequentialDataBlock(0, [False] * 3 + [valve]),
    di=ModbusSequentialDataBlock(0, [False] * 3 + [True]),
    zero_mode=True,
)
StartTcpServer(context=ModbusServerContext(slaves=device, single=True), address=("0.0.0.0", 502))
