using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>
/// Reads GLoRA: glora_A and glora_B for the weight, and for a layer with a bias glora_C, glora_D and glora_E; a product is in .Xd and
/// .Xu, a vector or a constant in .X, and what the config says is none has no tensor.
/// </summary>
public sealed class GloraMethod : AdapterMethod
{
    private const string Product = "lora";
    private const string Vector = "vector";
    private const string Constant = "constant";
    private const string Absent = "none";
    private static readonly string[] Paths = ["glora_A", "glora_B", "glora_C", "glora_D", "glora_E"];

    private static readonly (string Field, string Fallback, string[] Allowed)[] Forms =
    [
        ("config_A_B", Product, [Product, Vector, Constant, Absent]),
        ("config_C", Product, [Product, Vector, Absent]),
        ("config_D_E", Constant, [Constant, Vector, Absent]),
    ];

    /// <inheritdoc/>
    public override string Name => "glora";

    /// <inheritdoc/>
    public override string PeftType => "GLORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [.. Paths.SelectMany(Names)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["config_A_B", "config_C", "config_D_E", "r"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        foreach (var (field, fallback, allowed) in Forms)
        {
            if (!allowed.Contains(config.Values.Text(field) ?? fallback))
                config.Values.Complain(field, config.Values.Raw(field)!.Value, string.Join(", ", allowed));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        var before = findings.Problems.Count;
        var (gain, shift) = (Path(parts, 0, config), Path(parts, 1, config));
        if (gain is not null && shift is not null)
            parts.Check((gain.Outputs, gain.Inputs) == (shift.Outputs, shift.Inputs), shift.Left, $"the size of its partner {gain.Left.Name}");

        // PEFT makes these only for a layer with a bias.
        var hasBias = Paths[2..].SelectMany(Names).Any(part => parts.Find(part) is not null);
        var biases = hasBias ? Paths[2..].Select((_, index) => Path(parts, index + 2, config)).ToArray() : [];
        if (findings.Problems.Count > before)
            return [];

        var deltas = new List<Delta>();
        if (gain is not null || shift is not null)
            deltas.Add(new GloraDelta(gain, shift));

        if (hasBias)
            deltas.Add(new GloraBiasDelta(biases[0], biases[1], biases[2], tensors.File));

        return deltas;
    }

    private static IEnumerable<string> Names(string path) => [$"{path}.X", $"{path}.Xd", $"{path}.Xu"];

    private static GloraPath? Path(PartReader parts, int index, AdapterConfig config)
    {
        var (field, fallback, _) = Forms[index switch { < 2 => 0, 2 => 1, _ => 2 }];
        var (form, path) = (config.Values.Text(field) ?? fallback, Paths[index]);
        string[] read = form switch
        {
            Product => [$"{path}.Xd", $"{path}.Xu"],
            Absent => [],
            _ => [$"{path}.X"],
        };
        if (!parts.None($"the config's {field} is '{form}'", Names(path).Except(read)))
            return null;

        return form switch
        {
            Product => parts.Shaped($"{path}.Xd", "[rows, r]", -1, -1) is { } left &&
                parts.Shaped($"{path}.Xu", "[r, columns]", left.Shape[1], index == 2 ? 1 : -1) is { } right
                    ? new GloraPath(left, right, IsConstant: false)
                    : null,
            Vector => (index < 3 ? parts.Shaped($"{path}.X", "[rows, 1]", -1, 1) : parts.Shaped($"{path}.X", "[rows]", -1)) is { } vector
                ? new GloraPath(vector, null, IsConstant: false)
                : null,
            Constant => parts.Shaped($"{path}.X", "[1]", 1) is { } constant ? new GloraPath(constant, null, IsConstant: true) : null,
            _ => null,
        };
    }
}
