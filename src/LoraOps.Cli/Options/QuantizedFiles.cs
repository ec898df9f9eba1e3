using System.CommandLine;
using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Runtime.Quantizing;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>A quantized model and the files that its chip's compiler takes beside it: all of them appear, or none.</summary>
internal sealed class QuantizedFiles
{
    private static readonly string[] Endings = ["", ".data"];
    private readonly OutputPlace _place;
    private readonly bool _overwrite;

    private QuantizedFiles(OutputPlace place, bool overwrite, IReadOnlyList<HandOffFile> beside)
    {
        _place = place;
        _overwrite = overwrite;
        Beside = beside;
    }

    /// <summary>The files and folders beside the model, with what each is for; empty for a chip that takes the model as it is.</summary>
    public IReadOnlyList<HandOffFile> Beside { get; private set; }

    private string Folder => _place.IsFile ? Path.GetDirectoryName(Path.GetFullPath(_place.Path))! : _place.Path;

    private string ModelName => Path.GetFileName(_place.Model);

    /// <summary>A new <c>--no-hand-off</c>.</summary>
    public static Option<bool> Option() => new("--no-hand-off")
    {
        Description = "Write the model only, without the files that the chip's compiler takes beside it.",
    };

    /// <summary>Refuses files that may not be replaced before any work is done.</summary>
    /// <param name="place">Where the model goes.</param>
    /// <param name="overwrite">Existing files may be replaced.</param>
    /// <param name="chip">The chip; null to write the model only.</param>
    /// <exception cref="LoraOpsException">A file is in the way.</exception>
    public static QuantizedFiles Checked(OutputPlace place, bool overwrite, ChipProfile? chip)
    {
        var files = new QuantizedFiles(place, overwrite, chip is null ? [] : HandOffs.Files(chip, Path.GetFileName(place.Model)));
        var problems = files.Beside.Select(file => StagedOutput.Obstacle(Path.Combine(files.Folder, file.Name), overwrite)).OfType<Problem>().ToList();
        return problems.Count == 0 ? files : throw new LoraOpsException(problems);
    }

    /// <summary>Writes the model and what goes beside it.</summary>
        public HandOffResult Write(QuantizationOutcome outcome, QuantizationRequest request)
    {
        var handOff = outcome.HandOff(request, ModelName);
        // A scheme without ranges leaves nothing to hand off: its model is all there is.
        if (Beside.Count == 0 || outcome.Ranges.Count == 0)
        {
            Beside = [];
            _place.Write(outcome.Quantization.Model);
            return new HandOffResult(CompileCommands.Of(new HandOffModel(handOff)), []);
        }

        return Directory.Exists(Folder) ? WriteInto(handOff) : WriteNew(handOff);
    }

    /// <summary>Adds what lies beside the model, and how the compiler is called.</summary>
    public Sheet Describe(Sheet sheet, IReadOnlyList<string> commands)
    {
        if (Beside.Count > 0)
            sheet.AddGrid("hand-off", ["file", "what it is"], Beside.Select(file => new Cell[] { file.Name, file.Purpose }));

        return commands.Count > 0 ? sheet.AddNotes("compile", commands) : sheet;
    }

    private HandOffResult WriteNew(HandOffRequest handOff)
    {
        using var folder = StagedOutput.ForFolder(Folder, _overwrite);
        handOff.Quantization.Model.Save(Path.Combine(folder.Path, ModelName));
        var result = HandOffs.Write(handOff, folder.Path);
        folder.Commit();
        return result;
    }

    // In a folder that exists everything is finished beside its place before the first file is moved there, the model last.
    private HandOffResult WriteInto(HandOffRequest handOff)
    {
        using var work = StagedOutput.ForFolder(Path.Combine(Folder, ModelName + ".hand-off"), _overwrite);
        var result = HandOffs.Write(handOff, work.Path);
        var staged = new List<StagedOutput>();
        try
        {
            foreach (var name in Beside.Select(file => file.Name))
                staged.Add(Staged(work.Path, name));

            staged.Add(StagedOutput.ForFile(_place.Model, _overwrite));
            handOff.Quantization.Model.Save(staged[^1].Path);
            staged.ForEach(file => file.Commit());
        }
        finally
        {
            staged.ForEach(file => file.Dispose());
        }

        return result;
    }

    // A large float model has its tensors in a file of its own, which goes where the model goes.
    private StagedOutput Staged(string work, string name)
    {
        var destination = Path.Combine(Folder, name);
        if (Directory.Exists(Path.Combine(work, name)))
        {
            var folder = StagedOutput.ForFolder(destination, _overwrite);
            Directory.Delete(folder.Path);
            Directory.Move(Path.Combine(work, name), folder.Path);
            return folder;
        }

        var file = StagedOutput.ForFile(destination, _overwrite);
        foreach (var ending in Endings.Where(ending => File.Exists(Path.Combine(work, name + ending))))
            File.Move(Path.Combine(work, name + ending), file.Path + ending);

        return file;
    }
}
