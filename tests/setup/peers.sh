# Python programs that the tests talk to: independent Modbus, SunSpec, MQTT, OpenAI and Ollama implementations.

PEERS='pymodbus==3.16.1 pysunspec2==1.3.7 paho-mqtt==2.1.0 openai ollama pyyaml'

need_peers() {
    local folder=$CACHE/peers
    export HEATMINE_PYTHON=$folder/bin/python
    if [[ -x $HEATMINE_PYTHON && $(cat "$folder/installed" 2>/dev/null) == "$PEERS" ]]; then
        announce "already in .cache/peers"
        return 0
    fi
    announce "into .cache/peers: $PEERS"
    rm -rf "$folder"
    python3 -m venv "$folder" || return 1
    # shellcheck disable=SC2086
    "$folder/bin/pip" install --quiet --disable-pip-version-check $PEERS || return 1
    printf '%s' "$PEERS" >"$folder/installed"
}
