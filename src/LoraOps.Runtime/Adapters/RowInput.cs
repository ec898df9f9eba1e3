using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Adapters;

/// <summary>The input of a graph with several adapters: <c>adapter</c> int64 [batch] or <c>adapter_weights</c> float32 [batch, N].</summary>
/// <param name="Model">The model's file.</param>
/// <param name="Port">The input.</param>
/// <param name="Leader">The input whose first dimension is the batch; null if the batch is fixed.</param>
internal sealed record RowInput(string Model, Port Port, string? Leader)
{
    /// <summary>The name of the input that takes one number for each row.</summary>
    public const string Numbers = "adapter";

    /// <summary>The name of the input that takes N weights for each row.</summary>
    public const string Weights = "adapter_weights";

    /// <summary>Finds it; null if the model has none of the right type and rank.</summary>
    public static RowInput? Find(LiveSession session, int adapters)
    {
        var port = session.Inputs.FirstOrDefault(input => input is { Name: Numbers, Type: ElementType.I64, Dims.Count: 1 })
            ?? session.Inputs.FirstOrDefault(input => input is { Name: Weights, Type: ElementType.F32, Dims.Count: 2 }
                && (input.Dims[1].Size ?? adapters) == adapters);
        if (port is null || port.Batch is not null)
            return port is null ? null : new RowInput(session.Path, port, null);

        var others = session.Inputs.Where(input => input != port && input.Dims.Count > 0).ToList();
        var leader = others.Find(input => input.Dims[0].Symbol.Length > 0 && input.Dims[0].Symbol == port.Dims[0].Symbol) ?? others.FirstOrDefault();
        return leader is null ? null : new RowInput(session.Path, port, leader.Name);
    }

    /// <summary>How many rows a run has.</summary>
    public long BatchOf(RunFeed feed)
    {
        if (Leader is null)
            return Port.Batch ?? 1;

        var shape = feed.Values[feed.Names.IndexOf(Leader)].GetTensorTypeAndShape().Shape;
        return shape.Length > 0 ? shape[0] : 1;
    }
}
