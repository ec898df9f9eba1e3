using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Adapters;

/// <summary>The input of a graph with several adapters: <c>adapter</c> int64 [batch] or <c>adapter_weights</c> float32 [batch, N].</summary>
/// <param name="Model">The model's file.</param>
/// <param name="Port">The input.</param>
/// <param name="Leader">The input whose samples are counted; null if the batch is fixed.</param>
internal sealed record RowInput(string Model, Port Port, string? Leader)
{
    /// <summary>The name of the input that takes one number for each row.</summary>
    public const string Numbers = "adapter";

    /// <summary>The name of the input that takes N weights for each row.</summary>
    public const string Weights = "adapter_weights";

    private int Axis { get; init; }

    /// <summary>Finds it; null if the model has none of the right type and rank.</summary>
    public static RowInput? Find(LiveSession session, int adapters)
    {
        var port = session.Inputs.FirstOrDefault(input => input is { Name: Numbers, Type: ElementType.I64, Dims.Count: 1 })
            ?? session.Inputs.FirstOrDefault(input => input is { Name: Weights, Type: ElementType.F32, Dims.Count: 2 }
                && (input.Dims[1].Size ?? adapters) == adapters);
        if (port is null || port.Batch is not null)
            return port is null ? null : new RowInput(session.Path, port, null);

        var others = session.Inputs.Where(input => input != port && input.Dims.Count > 0).ToList();
        foreach (var input in others)
        {
            var axis = input.Dims.Index().Where(dim => dim.Item.Symbol.Length > 0 && dim.Item.Symbol == port.Dims[0].Symbol).Select(dim => dim.Index).ToList();
            if (axis.Count > 0)
                return new RowInput(session.Path, port, input.Name) { Axis = axis[0] };
        }

        return others.FirstOrDefault() is { } leader ? new RowInput(session.Path, port, leader.Name) : null;
    }

    /// <summary>How many rows a run has.</summary>
    public long BatchOf(RunFeed feed)
    {
        if (Leader is null)
            return Port.Batch ?? 1;

        var shape = feed.Values[feed.Names.IndexOf(Leader)].GetTensorTypeAndShape().Shape;
        return shape.Length > Axis ? shape[Axis] : 1;
    }
}
