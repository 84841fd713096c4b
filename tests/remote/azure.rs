//! Azure, served by Azurite and filled by Azure's own client.

use std::process::Command;

use insta::assert_snapshot;

use crate::artifacts::check_sharing;
use crate::servers::{Server, run_python, set_up};
use crate::{failure, ingest, project, written};

/// `SERVER NAME=FILE…`: puts files into the container `data`.
const PUT: &str = "
import sys
from azure.storage.blob import BlobServiceClient
client = BlobServiceClient(sys.argv[1] + '/devstoreaccount1', credential={
    'account_name': 'devstoreaccount1', 'account_key':
    'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='})
container = client.create_container('data')
for pair in sys.argv[2:]:
    name, file = pair.split('=')
    container.upload_blob(name, open(file, 'rb').read())
";

#[test]
fn azure_is_read_and_written_as_local_files_are() {
    let (Some(python), Some(azurite)) = (
        set_up("LABELPROOF_REMOTE_PYTHON"),
        set_up("LABELPROOF_REMOTE_AZURITE"),
    ) else {
        return;
    };
    let project = project();
    let server = Server::start(|port| {
        let mut command = Command::new(&azurite);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.args([
            "--inMemoryPersistence",
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
        ]);
        command.current_dir(project.path(""));
        command
    });
    let url = server.url();
    let files = [
        url.as_str(),
        "d/train-1.csv=data/train-1.csv",
        "d/train-2.csv=data/train-2.csv",
        "d/more/train-3.csv=data/more/train-3.csv",
    ];
    run_python(&python, PUT, &files, &project.path(""));
    let environment = format!("AZURE_STORAGE_USE_EMULATOR=true AZURITE_BLOB_STORAGE_URL={url}");
    for (address, path) in [
        ("az://data/d/train-1.csv", "data/train-1.csv"),
        ("abfs://data/d/train-*.csv", "data/train-*.csv"),
        ("abfss://data@devstoreaccount1.dfs.core.windows.net/d/", "data"),
    ] {
        let of_files = written(&project, "", path);
        assert!(written(&project, &environment, address) == of_files, "{address}");
    }
    assert_snapshot!(failure(&ingest(&project, &environment, "az://data/d/train-4.csv")), @r"
    exit code 3
    stage `ingest` failed
      caused by: `az://data/d/train-4.csv` does not exist

    hint: check its spelling
    ");
    assert_snapshot!(failure(&ingest(&project, &environment, "az://date/d/train-1.csv")), @r"
    exit code 3
    stage `ingest` failed
      caused by: `az://date/d/train-1.csv` cannot be fetched: there is no container of that name

    hint: check its spelling
    ");
    check_sharing(&project, &environment, "az://data/runs/one");
}
