#!/bin/sh
# The app's bootstrapScript: bin/start.sh in the manual's example. The agent runs it in the extracted app.
exec python3 -m elasticjob_cloud \
    count_orders=shop:CountOrders \
    check_suppliers=shop:check_suppliers \
    delete_old_files=shop:delete_old_files \
    ship_orders=shop:ShipOrders \
    call_a_service=HTTP
