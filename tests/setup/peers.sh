# Python programs that the tests talk to: Modbus, SunSpec, MQTT, OpenAI and Ollama as others have written them.
# shellcheck shell=bash

PEERS='pymodbus==3.16.1 pysunspec2==1.3.7 paho-mqtt==2.1.0 openai==3.54.0 ollama==0.6.3 pyyaml==6.0.3'

need_peers() {
    local folder=$CACHE/peers
    if [[ -x $folder/bin/python && $(cat "$folder/installed" 2>/dev/null) == "$PEERS" ]]; then
        announce "already in .cache/peers"
        return 0
    fi
    announce "into .cache/peers: $PEERS"
    rm -rf "$folder"
    python3 -m venv "$folder" || return 1
    # shellcheck disable=SC2086 # one word each
    "$folder/bin/pip" install --quiet --disable-pip-version-check $PEERS || return 1
    printf '%s' "$PEERS" >"$folder/installed"
}

# Home Assistant is installed by a program of its own. Where it cannot be installed, its tests say that they are skipped,
# but on the machine the installation is made for (Debian, root) that is a failure.
need_home_assistant() {
    bash tests/setup/home_assistant.sh && return 0
    if is_debian && [[ $(id -u) == 0 ]]; then
        return 1
    fi
    announce "without Home Assistant: the tests that speak to it are skipped"
}
