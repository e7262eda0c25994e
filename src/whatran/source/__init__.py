"""Where frames come from: the only room that talks to the kernel and needs privilege."""
