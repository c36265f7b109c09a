"""Prints what `ansible-inventory --list` makes of each of many inventories, in one process: as JSON, one line an inventory.

Reads lines of JSON: {"sources": [...], "vault": "password" or null}.
"""

import json
import os
import sys

os.environ['ANSIBLE_LOCALHOST_WARNING'] = 'false'
os.environ['ANSIBLE_INVENTORY_UNPARSED_WARNING'] = 'false'
os.environ['ANSIBLE_DEPRECATION_WARNINGS'] = 'false'
os.environ['ANSIBLE_NOCOLOR'] = '1'

from ansible import constants, context
from ansible.cli.inventory import InventoryCLI
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.vars.manager import VariableManager

cli = InventoryCLI(['ansible-inventory', '--list'])
cli.parse()


def listed(case):
    loader = DataLoader()
    if case['vault'] is not None:
        loader.set_vault_secrets([(constants.DEFAULT_VAULT_IDENTITY, VaultSecret(case['vault'].encode()))])
    unparsed = []
    inventory = InventoryManager(loader=loader, sources=case['sources'], parse=False)
    parse_source = inventory.parse_source

    def noted(source, cache=False):
        parsed = parse_source(source, cache=cache)
        if not parsed and not os.path.isdir(source):
            unparsed.append(source)
        return parsed

    inventory.parse_source = noted
    inventory.parse_sources()
    cli.loader, cli.inventory = loader, inventory
    cli.vm = VariableManager(loader=loader, inventory=inventory)
    top = inventory.groups['all']
    return {'unparsed': unparsed, 'list': json.loads(cli.dump(cli.json_inventory(top)))}


for line in sys.stdin:
    try:
        answer = listed(json.loads(line))
    except Exception as error:
        answer = {'failed': '%s: %s' % (type(error).__name__, error)}
    print(json.dumps(answer), flush=True)
