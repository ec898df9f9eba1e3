namespace LoraOps.Onnx.AdapterFiles;

/// <summary>How the bytes of an <c>.onnx_adapter</c> are arranged; ONNX Runtime loads both.</summary>
public enum OnnxAdapterLayout
{
    /// <summary>Tables first, then the data, each parameter at a multiple of 64 bytes.</summary>
    Streaming,

    /// <summary>The same bytes as ONNX Runtime's own writer (<c>AdapterFormat</c>) for the same parameters in the same order.</summary>
    Runtime,
}
