// Builds the object graph and runs the mount.
int main() { return 0; }
