using LoraOps.Problems;
using LoraOps.Testing;
using LoraOps.Writers;

namespace LoraOps.Tests.Writers;

public sealed class StagedOutputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_root_of_a_file_system_is_no_place_for_an_output() => Assert.Equal(
        ProblemCode.OutputUnwritable, StagedOutput.Obstacle(Path.GetPathRoot(Path.GetFullPath("."))!, overwrite: true)?.Code);

    [Fact]
    public void Shows_a_file_only_when_it_is_committed()
    {
        using (var output = StagedOutput.ForFile(_folder["a.bin"], overwrite: false))
        {
            File.WriteAllText(output.Path, "whole");
            Assert.False(File.Exists(_folder["a.bin"]));
            output.Commit();
        }

        Assert.Equal("whole", File.ReadAllText(_folder["a.bin"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Leaves_nothing_when_it_is_not_committed()
    {
        using (var output = StagedOutput.ForFolder(_folder["deep/er/out"], overwrite: false))
            File.WriteAllText(Path.Combine(output.Path, "half"), "");

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Keeps_the_old_output_until_the_new_one_is_complete()
    {
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(_folder["out/old"], "");
        using (var abandoned = StagedOutput.ForFolder(_folder["out"], overwrite: true))
            File.WriteAllText(Path.Combine(abandoned.Path, "new"), "");

        Assert.True(File.Exists(_folder["out/old"]));
        using var output = StagedOutput.ForFolder(_folder["out"], overwrite: true);
        File.WriteAllText(Path.Combine(output.Path, "new"), "");
        output.Commit();

        Assert.Equal(["new"], Directory.EnumerateFileSystemEntries(_folder["out"]).Select(Path.GetFileName));
    }

    [Fact]
    public void Moves_companions_with_their_file()
    {
        using var output = StagedOutput.ForFile(_folder["m.onnx"], overwrite: false);
        File.WriteAllText(output.Path, "");
        File.WriteAllText(output.Path + ".data", "d");
        output.Commit();

        Assert.Equal("d", File.ReadAllText(_folder["m.onnx.data"]));
    }

    [Fact]
    public void Refuses_to_replace_a_companion_unasked()
    {
        File.WriteAllText(_folder["m.onnx.data"], "old");
        using (var output = StagedOutput.ForFile(_folder["m.onnx"], overwrite: false))
        {
            File.WriteAllText(output.Path, "");
            File.WriteAllText(output.Path + ".data", "new");
            Assert.Equal(ProblemCode.OutputExists, Assert.Throws<LoraOpsException>(output.Commit).Problems[0].Code);
        }

        Assert.Equal("old", File.ReadAllText(_folder["m.onnx.data"]));
        Assert.False(File.Exists(_folder["m.onnx"]));
    }

    [Fact]
    public void Refuses_an_output_that_exists()
    {
        File.WriteAllText(_folder["a"], "");

        var refusal = Assert.Throws<LoraOpsException>(() => StagedOutput.ForFile(_folder["a"], overwrite: false));

        Assert.Equal(ProblemCode.OutputExists, refusal.Problems[0].Code);
        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
    }

    [Fact]
    public void Writes_into_an_empty_folder_that_exists()
    {
        Directory.CreateDirectory(_folder["out"]);
        using var output = StagedOutput.ForFolder(_folder["out"], overwrite: false);
        output.Commit();

        Assert.True(Directory.Exists(_folder["out"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Replaces_a_file_by_a_folder_and_the_reverse(bool isFolder)
    {
        if (isFolder)
            File.WriteAllText(_folder["out"], "");
        else
            Directory.CreateDirectory(_folder["out/full"]);

        using var output = isFolder ? StagedOutput.ForFolder(_folder["out"], true) : StagedOutput.ForFile(_folder["out"], true);
        if (!isFolder)
            File.WriteAllText(output.Path, "");

        output.Commit();

        Assert.Equal(isFolder, Directory.Exists(_folder["out"]));
        Assert.Equal(!isFolder, File.Exists(_folder["out"]));
    }

    [Fact]
    public void Sweeps_what_a_killed_run_left_but_not_what_another_run_writes()
    {
        Directory.CreateDirectory(_folder[".a.killed.partial"]);
        File.WriteAllText(_folder[".a.killed.partial/lock"], "");
        using var other = StagedOutput.ForFile(_folder["a"], overwrite: false);

        using var mine = StagedOutput.ForFile(_folder["a"], overwrite: false);

        Assert.False(Directory.Exists(_folder[".a.killed.partial"]));
        Assert.True(Directory.Exists(Path.GetDirectoryName(other.Path)));
    }

    [Fact]
    public void Calls_a_staged_file_by_the_name_that_people_know()
    {
        using var output = StagedOutput.ForFolder(_folder["out"], overwrite: false);

        Assert.Equal(_folder["out/a.bin"], StagedOutput.FinalPath(Path.Combine(output.Path, "a.bin")));
        Assert.Equal(_folder["a.bin"], StagedOutput.FinalPath(_folder["a.bin"]));
    }
}
