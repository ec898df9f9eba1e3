namespace LoraOps.Onnx.Recovering;

/// <summary>Which dimension of an activation counts the channels.</summary>
public enum ChannelAxis
{
    /// <summary>The last: what MatMul and Gemm multiply.</summary>
    Last,

    /// <summary>The one behind the samples: convolutions.</summary>
    Second,
}
