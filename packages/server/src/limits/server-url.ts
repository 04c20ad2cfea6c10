/** Who signs in, host and port, and what follows; nothing that a host cannot hold, and a password with what stands for %, @ and the like. */
const SERVER_URL = /^[a-z]{1,20}:\/\/(?:([^\s/?#]*)@)?(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]<>\\^|]+)(?::(\d{1,5}))?(?:[/?#]\S*)?$/;
const PORT_MAX = 65_535;

/** Whether a text is the address of a server, of any scheme, so that whoever connects there can read it. */
export function isServerUrl(text: string): boolean {
  const [whole, user = '', host = '', port = '0'] = SERVER_URL.exec(text) ?? [];
  return whole !== undefined && isEscaped(user) && isEscaped(host) && Number(port) <= PORT_MAX;
}

function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
