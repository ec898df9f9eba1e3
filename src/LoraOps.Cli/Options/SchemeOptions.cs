using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Quantizing.WeightOnly;

namespace LoraOps.Cli.Options;

/// <summary><c>--scheme</c> and what only the scheme weights understands.</summary>
internal sealed class SchemeOptions
{
    private const string Weights = "weights";
    private const string Channel = "channel";

    private readonly Option<string> _scheme = new Option<string>("--scheme")
    {
        Description = "static: the ranges of activations are fixed by calibration. dynamic: activations become integers while the model runs, no "
            + "calibration. weights: only weights become integers.",
        DefaultValueFactory = _ => "static",
    }.Among("static", "dynamic", Weights);

    private readonly Option<string> _bits = new Option<string>("--bits")
    {
        Description = "weights: the bits of a weight.",
        DefaultValueFactory = _ => "8",
    }.Among("8", "4");

    private readonly Option<string> _block = new Option<string>("--block-size")
    {
        Description = "weights: how many inputs of an output share a scale; channel: all of them.",
        DefaultValueFactory = _ => "32",
    }.Among([.. WeightOnlySettings.BlockSizes.Select(size => size.ToString(CultureInfo.InvariantCulture)), Channel]);

    private readonly Option<bool> _asymmetric = new("--asymmetric") { Description = "weights: each block has a zero point." };

    private readonly Option<string> _format = new Option<string>("--format")
    {
        Description = "weights: nbits is ONNX Runtime's MatMulNBits, qdq is DequantizeLinear in front of a float layer (blocks: opset 21).",
        DefaultValueFactory = _ => "nbits",
    }.Among("nbits", "qdq");

    private readonly Option<string> _accuracy = new Option<string>("--accuracy-level")
    {
        Description = "weights: what MatMulNBits may compute in: 1 float32, 2 float16, 3 bfloat16, 4 int8 activations; 0 leaves it to the kernel.",
        DefaultValueFactory = _ => "0",
    }.Among("0", "1", "2", "3", "4");

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _scheme, _bits, _block, _asymmetric, _format, _accuracy })
            command.Add(option);

        command.Validators.Add(Check);
    }

    /// <summary>What becomes integers.</summary>
    public QuantizationScheme Scheme(ParseResult parsed) => parsed.GetValue(_scheme) switch
    {
        "dynamic" => QuantizationScheme.Dynamic,
        Weights => QuantizationScheme.Weights,
        _ => QuantizationScheme.Static,
    };

    /// <summary>Bits, blocks and format of the scheme weights.</summary>
    public WeightOnlySettings Settings(ParseResult parsed) => new()
    {
        Bits = parsed.GetValue(_bits) == "4" ? 4 : 8,
        BlockSize = parsed.GetValue(_block) is { } size && size != Channel ? int.Parse(size, CultureInfo.InvariantCulture) : 0,
        IsAsymmetric = parsed.GetValue(_asymmetric),
        Format = parsed.GetValue(_format) == "qdq" ? WeightFormat.Qdq : WeightFormat.NBits,
        AccuracyLevel = int.Parse(parsed.GetValue(_accuracy) ?? "0", CultureInfo.InvariantCulture),
    };

    private void Check(CommandResult result)
    {
        var given = new Option[] { _bits, _block, _asymmetric, _format, _accuracy }
            .Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToList();
        if (Text(result, _scheme) != Weights && given.Count > 0)
            result.AddError($"{string.Join(", ", given)} is only for --scheme {Weights}");

        if (Text(result, _block) == Channel && Text(result, _bits) == "4")
            result.AddError("--block-size channel has 8 bits: 4 bits of a whole channel are too coarse, and no runtime fuses them");

        if (given.Contains(_accuracy.Name) && (Text(result, _format) == "qdq" || Text(result, _block) == Channel))
            result.AddError("--accuracy-level is only for --format nbits");
    }

    private static string? Text(CommandResult result, Option<string> option) => result.GetResult(option) is { Tokens: [var token, ..] } ? token.Value : null;
}
