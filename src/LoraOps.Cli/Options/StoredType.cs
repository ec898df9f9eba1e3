using System.CommandLine;
using LoraOps.Tensors;

namespace LoraOps.Cli.Options;

/// <summary><c>--dtype</c>: what the factors of a new adapter are stored as.</summary>
internal sealed class StoredType
{
    private readonly Option<string> _option = new Option<string>("--dtype")
    {
        Description = "What the new adapter's factors are stored as.",
        DefaultValueFactory = _ => "f32",
    }.Among("f32", "bf16", "f16");

    /// <summary>Gives the option to a command.</summary>
    public void AddTo(Command command) => command.Add(_option);

    /// <summary>The type that was asked for.</summary>
    public ElementType Of(ParseResult parsed) => parsed.GetValue(_option) switch
    {
        "bf16" => ElementType.BF16,
        "f16" => ElementType.F16,
        _ => ElementType.F32,
    };
}
