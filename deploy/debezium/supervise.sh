#!/bin/sh
# Registers the connector and looks after it: a task that failed is started again, a connector that is gone registered. One that fails for good, say because its
# slot is lost, fails again each time, and the alerts on the slot tell so. CONNECT_URL, CONFIG; LOOK_SECONDS (10).
connector="$CONNECT_URL/connectors/c2c-order"

register() {
  until curl -fsS -o /dev/null -X PUT -H 'Content-Type: application/json' --data "@$CONFIG" "$connector/config"; do
    sleep 2
  done
  echo 'the connector is registered'
}

register

while sleep "${LOOK_SECONDS:-10}"; do
  case "$(curl -sS -w '\n%{http_code}' "$connector/status" 2> /dev/null)" in
  *'"state":"FAILED"'*)
    echo 'the connector has failed and is started again'
    curl -fsS -o /dev/null -X POST "$connector/restart?includeTasks=true&onlyFailed=true"
    ;;
  *'
404')
    # Kafka Connect has lost its topics, or somebody has deleted it
    echo 'the connector is gone'
    register
    ;;
  esac
done
