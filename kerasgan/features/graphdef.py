"""Constants of a frozen TensorFlow graph, such as the first Inception's."""

import os
import tarfile

GRAPH_FILE = "classify_image_graph_def.pb"


def constants_of_tar(path):
    """As `constants`, of the graph inside `inception-2015-12-05.tgz`."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if os.path.basename(member.name) == GRAPH_FILE:
                    return constants(archive.extractfile(member).read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"The archive is damaged: {error}") from error
    raise ValueError(f"The archive has no file {GRAPH_FILE}.")


def constants(data):
    """A serialised GraphDef (bytes) -> {node's name: array}.

    Raises:
        ValueError: It is no graph, or has no constants.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(data)
        found = {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in graph.node
            if node.op == "Const"
        }
    except (DecodeError, TypeError, ValueError) as error:
        raise ValueError(f"It is no TensorFlow graph: {error}") from error
    if not found:
        raise ValueError("It is no TensorFlow graph with constants.")
    return found
