using LoraOps.Cli.Output;
using LoraOps.Tensors;
using LoraOps.Transforms;

namespace LoraOps.Cli.Inspecting;

/// <summary>What came of a mix, an extraction or a resizing: rank and error of each module, and the whole.</summary>
internal static class TransformSheet
{
    private static readonly string[] Columns = ["module", "shape", "from", "rank", "|dW|=norm", "error", "energy kept=energy"];

    /// <summary>Adds the modules of a written adapter and their totals.</summary>
    public static Sheet AddTransformed(this Sheet sheet, TransformSummary summary) => sheet
        .Add("modules", summary.Modules.Count)
        .Add("bytes", Cell.Bytes(summary.Bytes))
        .Add("|dW|=norm", summary.Norm)
        .Add("error", summary.Error)
        .Add("energy kept=energy", Cell.Share(summary.Energy))
        .AddGrid("ranks", Columns, summary.Modules.Select(Row))
        .AddNotes("saved whole=replaced", summary.Replaced)
        .AddNotes("warnings", summary.Warnings);

    /// <summary>Adds the modules that will be worked on.</summary>
    public static Sheet AddPlanned(this Sheet sheet, IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> modules) => sheet
        .Add("modules", modules.Count)
        .AddGrid("ranks", ["module", "shape", "from"], modules.Select(module => new Cell[]
        {
            module.Name, module.Shape.ToString(), Joined(module.Ranks),
        }));

    /// <summary>Adds the modules that will be worked on, and the most rank that each will have.</summary>
    public static Sheet AddPlanned(
        this Sheet sheet, IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> modules, IReadOnlyList<int> ranks) => sheet
        .Add("modules", modules.Count)
        .AddGrid("ranks", ["module", "shape", "from", "rank"], modules.Zip(ranks, (module, rank) => new Cell[]
        {
            module.Name, module.Shape.ToString(), Joined(module.Ranks), rank,
        }));

    private static Cell[] Row(ModuleOutcome module) =>
    [
        module.Name, module.Shape.ToString(), Joined(module.Ranks), module.Rank, module.Norm, module.Error, Cell.Share(module.Energy),
    ];

    // A method without factors has no rank.
    private static string Joined(IEnumerable<int> ranks) => string.Join('+', ranks.Select(rank => rank == 0 ? "full" : $"{rank}"));
}
