using System.CommandLine;
using System.Globalization;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Cli.Options;

/// <summary>What is done to keep the accuracy of the float model.</summary>
internal sealed class RecoveryOptions
{
    private const string Auto = "auto";

    private readonly Option<string?> _smooth = new("--smooth")
    {
        Description = "SmoothQuant: move outliers of activations into the weights; the share that moves, or auto (the default) "
            + "to choose it for each activation.",
        HelpName = "0..1|auto",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _insert = new("--smooth-insert")
    {
        Description = "With --smooth: where no norm and no layer can take the factors, put a Mul, which stays float.",
    };

    private readonly Option<bool> _equalize = new("--equalize")
    {
        Description = "Even out the channels between two layers that have only Relu, PRelu or nothing between them.",
    };

    private readonly Option<bool> _correctBias = new("--correct-bias")
    {
        Description = "Take from each bias what quantization adds to the mean of the layer's outputs on the calibration data.",
    };

    private readonly Option<string> _rounding = new Option<string>("--rounding")
    {
        Description = "nearest; or weights whose errors cancel out on the calibration data: adaround, gptq.",
        DefaultValueFactory = _ => "nearest",
    }.Among([.. RoundingMethods.Names]);

    public RecoveryOptions() => _smooth.Validators.Add(result =>
    {
        if (result.Tokens is [var token] && token.Value != Auto && Share(token.Value) is null)
            result.AddError($"--smooth '{token.Value}' is neither a number from 0 to 1 nor {Auto}");
    });

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _smooth, _insert, _equalize, _correctBias, _rounding })
            command.Add(option);

        command.Validators.Add(result =>
        {
            if (result.GetResult(_insert) is not null && result.GetResult(_smooth) is null)
                result.AddError($"{_insert.Name} goes with {_smooth.Name}");
        });
    }

    /// <summary>What is to be done.</summary>
    public RecoverySettings Read(ParseResult parsed) => new()
    {
        Smooth = parsed.GetResult(_smooth) is null ? null : new SmoothSettings(Share(parsed.GetValue(_smooth)), parsed.GetValue(_insert)),
        Equalize = parsed.GetValue(_equalize),
        CorrectBias = parsed.GetValue(_correctBias),
        Rounding = RoundingMethods.Find(parsed.GetRequiredValue(_rounding)) ?? RoundingMethod.Nearest,
    };

    private static double? Share(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : null;
}
